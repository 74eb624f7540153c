document.querySelector("main input:not([type=hidden])")?.focus();
// Fills in the visitor's own time zone on the setup page; without script it stays UTC.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const select = document.querySelector("[data-guess-zone] select[name=time_zone]");
if (select && [...select.options].some((option) => option.value === zone)) select.value = zone;
