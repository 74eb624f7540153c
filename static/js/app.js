/* Theme, menus, popovers, keyboard, live figures. Everything here adds comfort to pages that work without it. */
(() => {
  const root = document.documentElement;
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => from.querySelectorAll(selector);

  /* theme */
  const system = matchMedia('(prefers-color-scheme: dark)');
  const redraw = () => $$('cost-chart').forEach(chart => chart.draw());
  const dark = () => root.dataset.theme ? root.dataset.theme === 'dark' : system.matches;
  document.addEventListener('submit', event => {
    const form = event.target.closest('[data-theme-form]');
    if (!form) return;
    event.preventDefault();
    root.dataset.theme = dark() ? 'light' : 'dark';
    redraw();
    const body = new FormData(form);
    body.set('theme', root.dataset.theme);
    fetch(form.action, { method: 'POST', body, headers: { 'X-Requested-With': 'fetch' } });
  });
  system.addEventListener('change', () => root.dataset.theme || redraw());

  /* menus close when one clicks elsewhere or presses Escape */
  const closeMenus = except => $$('details.menu[open]').forEach(d => d.contains(except) || d.removeAttribute('open'));
  document.addEventListener('click', event => closeMenus(event.target));

  /* a menu that would reach over the right edge opens to the other side */
  const fit = menu => {
    const pop = menu.matches('details.menu[open]') && $('.pop', menu);
    if (!pop) return;
    pop.classList.remove('flip');
    pop.classList.toggle('flip', pop.getBoundingClientRect().right > root.clientWidth);
  };
  document.addEventListener('toggle', event => fit(event.target), true);
  $$('details.menu[open]').forEach(fit);

  /* a form that answers as soon as something else is chosen; somebody who types or presses arrows is let finish */
  let choosing;
  document.addEventListener('change', event => {
    const form = event.target.closest('form[data-auto]');
    if (!form) return;
    clearTimeout(choosing);
    choosing = setTimeout(() => form.isConnected && form.requestSubmit(), 350);
  });

  /* on a phone the rail and long choices are rows that scroll: what one is on should be seen in them */
  $$('.nav [aria-current], .seg [aria-current]').forEach(at => {
    const row = at.closest('.nav, .seg'), here = at.getBoundingClientRect(), all = row.getBoundingClientRect();
    row.scrollLeft += (here.left + here.right - all.left - all.right) / 2;
  });

  /* copy what a button stands beside */
  document.addEventListener('click', async event => {
    const button = event.target.closest('[data-copy]');
    if (!button) return;
    const source = $('pre', button.closest('.snippet'));
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
    } catch { // no clipboard without HTTPS: select it, so that one key press copies
      getSelection().selectAllChildren(source);
      button.textContent = 'Press Ctrl+C';
      return;
    }
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });

  /* the parts of a call's cost, beside the amount that was clicked */
  let opener = null;
  document.addEventListener('htmx:beforeRequest', event => {
    if (event.detail.elt.matches('.cost-btn')) opener = event.detail.elt;
  });
  document.addEventListener('htmx:afterSwap', event => {
    const pop = event.detail.target;
    if (pop.id !== 'parts' || !opener) return;
    pop.showPopover();
    const at = opener.getBoundingClientRect(), box = pop.getBoundingClientRect(), gap = 12;
    if (innerWidth < 544) return;
    const above = at.top - box.height - gap;
    pop.style.top = `${above > 8 ? above : Math.min(at.bottom + gap, innerHeight - box.height - 8)}px`;
    pop.style.left = `${Math.max(8, Math.min(at.right - box.width + 8, innerWidth - box.width - 8))}px`;
  });
  addEventListener('scroll', () => $('#parts:popover-open')?.hidePopover(), { capture: true, passive: true });

  /* follow a link as it is now: htmx itself goes where it led when it was last processed, some time before or after a swap */
  const go = (link, address = link.href) => {
    const to = link.cloneNode();
    ['id', 'data-key'].forEach(name => to.removeAttribute(name));
    to.href = address;
    to.hidden = true;
    link.after(to);
    htmx.process(to);
    to.click();
  };

  /* a click on a bar asks for what the link of its series asks for, in the days of the bar */
  document.addEventListener('chart:drill', event => {
    const { series, days } = event.detail;
    const link = $(`a[data-series="${series}"]`);
    if (!link) return;
    if (!days || link.dataset.leaves !== undefined) return go(link);
    const address = new URL(link.href), [first, last = first] = days.split('/');
    ['period', 'on'].forEach(name => address.searchParams.delete(name));
    address.searchParams.set('first', first);
    address.searchParams.set('last', last);
    go(link, address.href);
  });

  /* a list that was chosen from keeps the focus; that somebody is choosing shows by keys and clicks */
  let touched = 0;
  ['pointerdown', 'keydown', 'change'].forEach(kind => addEventListener(kind, () => { touched = Date.now(); }, true));

  /* live figures: only while somebody can see them, and without disturbing what the reader does */
  document.addEventListener('htmx:beforeRequest', event => {
    const { elt } = event.detail;
    const at = document.activeElement;
    const busy = () => $('details.menu[open], details.chart-figures[open]') || at.matches('input, textarea') || at.matches('select') && Date.now() - touched < 20_000;
    if (elt.matches('[data-live]') && (document.hidden || busy())) event.preventDefault();
  });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) $$('[data-live]').forEach(elt => htmx.trigger(elt, 'wake'));
  });
  Object.assign(Idiomorph.defaults.callbacks, {
    beforeNodeMorphed: (old, fresh) => {
      if (old.localName !== 'cost-chart' || fresh.localName !== 'cost-chart') return true;
      old.take(fresh);
      return false;
    }
  });

  /* a request that failed leaves the page as it is and says so */
  const say = text => { const line = $('#trouble'); if (line) { line.textContent = text; line.hidden = !text; } };
  document.addEventListener('htmx:sendError', () => say('The server does not answer. The page shows what was known last.'));
  document.addEventListener('htmx:responseError', event => say(`The server answered ${event.detail.xhr.status}. The page shows what was known last.`));
  document.addEventListener('htmx:afterRequest', event => event.detail.successful && say(''));

  /* keyboard */
  const follow = selector => { const link = $(selector); if (link) go(link); };
  const keys = {
    '/': () => {
      const menu = $('#filter-menu');
      if (menu) menu.open = true;
      (menu ? $('a, input, select', $('.pop', menu)) : $('[role=search] input:not([type=hidden])'))?.focus();
    },
    '?': () => $('#help')?.togglePopover(),
    d: () => follow('[data-key=d]'), w: () => follow('[data-key=w]'), m: () => follow('[data-key=m]'),
    ArrowLeft: () => follow('[data-key=previous]'), ArrowRight: () => follow('[data-key=next]')
  };
  document.addEventListener('keydown', event => {
    if (event.key === 'Escape') {
      const open = $('details.menu[open]');
      if (open) { open.open = false; $('summary', open).focus(); }
    }
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    if (event.target.closest('input, select, textarea, [contenteditable]')) return;
    // arrows scroll a table that has the focus
    if (event.key.startsWith('Arrow') && event.target.closest('.scroll, pre')) return;
    event.preventDefault();
    keys[event.key]();
  });
})();
