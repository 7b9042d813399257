// Runs before the page is drawn, so that it does not flash in the other theme.
{
  const theme = localStorage.getItem("playground.theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
}
