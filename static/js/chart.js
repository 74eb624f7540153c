/* <cost-chart>: draws the Plotly figure in its data-figure (htmx strips every script element, JSON ones too). The server sends token names for colours
   ("--s1", "--accent/16" = 16 % alpha); they are read here, so light and dark need no second figure. */
(() => {
  const probe = document.createElement('i');
  const colour = token => {
    const [name, alpha] = token.split('/');
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const rgb = getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3);
    probe.remove();
    return `rgba(${rgb},${(alpha || 100) / 100})`;
  };
  const resolve = v => typeof v === 'string' ? (/^--[a-z]/.test(v) ? colour(v) : v)
    : Array.isArray(v) ? v.map(resolve)
    : v && typeof v === 'object' ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, resolve(x)])) : v;
  const plain = v => v && typeof v === 'object' && !Array.isArray(v);
  const merge = (a, b) => {
    for (const k in b) a[k] = plain(a[k]) && plain(b[k]) ? merge(a[k], b[k]) : b[k];
    return a;
  };
  const axis = { fixedrange: true, zeroline: false, ticks: '', showline: false, automargin: false, tickfont: { size: 12 } };
  const base = () => ({
    barmode: 'stack', bargap: .28, showlegend: false, hovermode: 'x unified', dragmode: false,
    margin: { l: 44, r: 4, t: 18, b: 27 },
    paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)',
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: '--muted' },
    hoverlabel: { bgcolor: '--surface', bordercolor: '--control', font: { color: '--ink', size: 12 } },
    xaxis: { ...axis, tickangle: 0, ticklabelstandoff: 3, showgrid: false, showline: true, linecolor: '--control', showspikes: false },
    yaxis: { ...axis, automargin: 'width', gridcolor: '--line', rangemode: 'tozero', tickprefix: '$', tickformat: ',', nticks: 7 }
  });
  /* a name as it was before it was made harmless for Plotly (dashboards/charts.py); only ever set as text */
  const plainly = text => String(text).replace(/\u2060/g, '').replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&');
  const round = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 6 });
  const MOST_CELLS = 1500;
  const MARKS = 'marks'; // the trace of the incidents (dashboards/marks/drawing.py)
  const calm = { displayModeBar: false, responsive: false, doubleClick: false };

  customElements.define('cost-chart', class extends HTMLElement {
    connectedCallback() {
      this.box = document.createElement('div');
      this.box.setAttribute('aria-hidden', 'true');
      this.append(this.box);
      this.draw();
      this.box.on('plotly_click', click => {
        const mark = this.mark(click);
        if (mark) return this.parentElement.querySelectorAll('.marks a')[mark.pointNumber]?.click();
        const point = this.under(click);
        if (point) this.dispatchEvent(new CustomEvent('chart:drill', { bubbles: true, detail: { series: point.data.meta, days: point.customdata } }));
      });
      // not Plotly's own `responsive`: it leaks a listener for every chart that is swapped out
      this.watch = new ResizeObserver(() => this.width !== this.clientWidth && this.draw());
      this.watch.observe(this);
    }
    disconnectedCallback() { this.watch.disconnect(); Plotly.purge(this.box); this.box.remove(); this.told?.remove(); }
    /* the incidents' mark that was clicked: a click below it is for the bar */
    mark({ points, event }) {
      const { yaxis } = this.box._fullLayout;
      const y = event.clientY - this.box.getBoundingClientRect().top - yaxis._offset;
      return points.find(p => p.data.uid === MARKS && Math.abs(yaxis.l2p(p.y) - y) < 14);
    }
    /* the segment of the stack that was clicked: with a unified hover Plotly names all series of the bar */
    under({ points, event }) {
      const { yaxis } = this.box._fullLayout;
      let left = yaxis.p2l(event.clientY - this.box.getBoundingClientRect().top - yaxis._offset);
      const named = points.filter(p => p.data.meta !== undefined).sort((a, b) => a.curveNumber - b.curveNumber);
      if (named.every(p => p.data.type === 'bar' || p.data.stackgroup)) return named.find(p => (left -= p.y) <= 0);
      return named.sort((a, b) => Math.abs(a.y - left) - Math.abs(b.y - left))[0]; // lines: the nearest
    }
    /* the same element in a newer page: take over its figure without losing the drawing */
    take(other) {
      const same = this.dataset.figure === other.dataset.figure;
      for (const { name, value } of other.attributes) this.setAttribute(name, value);
      if (!same) this.draw();
      else if (this.told) this.setAttribute('role', 'figure');
    }
    /* the figures as a table for those who do not see the drawing; a page that has them itself says data-told */
    tell(data, unit) {
      this.told?.remove();
      this.told = null;
      const shown = data.filter(t => t.x && t.y && t.orientation !== 'h' && t.hoverinfo !== 'skip');
      const places = [...new Set(shown.flatMap(t => t.x))];
      if ('told' in this.dataset || !places.length || places.length * shown.length > MOST_CELLS) return;
      const table = document.createElement('table');
      const [head, body] = [table.createTHead(), table.createTBody()];
      const row = (first, cells, kind) => {
        const tr = (kind === 'col' ? head : body).insertRow();
        [first, ...cells].forEach((text, n) => {
          const cell = document.createElement(text === '' || (n && kind === 'row') ? 'td' : 'th');
          if (cell.localName === 'th') cell.scope = kind;
          cell.textContent = text;
          tr.append(cell);
        });
      };
      row('', shown.map(t => plainly(t.name || 'Value')), 'col');
      const values = t => t.uid === MARKS ? t.hovertext.map(text => plainly(text.replaceAll('<br>', '; '))) : t.y;
      const at = shown.map(t => new Map(t.x.map((x, n) => [x, values(t)[n]])));
      const told = y => y == null ? '' : typeof y === 'number' ? unit + round.format(y) : y;
      places.forEach(x => row(String(x).replace(/^(\d{4}-\d\d-\d\d)T([\d:]+)(\.\d+)?$/, '$1 $2'), at.map(series => told(series.get(x))), 'row'));
      this.told = document.createElement('section');
      this.told.className = 'vh';
      this.told.append(table);
      this.append(this.told);
      this.setAttribute('role', 'figure');
    }
    draw() {
      this.width = this.clientWidth;
      const { data, shared = {}, layout = {}, narrow = {}, below = 520 } = JSON.parse(this.dataset.figure);
      const full = merge(base(), layout);
      if (this.width < below) merge(full, narrow);
      full.height = +this.dataset.height || 280;
      if (this.width) full.width = this.width; // Plotly measures once and keeps it: a window that changes is not followed
      const traces = data.map(trace => ({ ...shared, ...trace }));
      this.tell(traces, full.yaxis.tickprefix ?? '');
      Plotly.react(this.box, resolve(traces), resolve(full), calm);
    }
  });
})();
