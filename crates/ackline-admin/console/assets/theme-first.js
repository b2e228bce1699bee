// Not a module: it has to run before the first paint, or a chosen theme would flash.
try {
  const theme = localStorage.getItem('theme');
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; then the theme is the system's.
}
