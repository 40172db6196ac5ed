// What the theme's pages lack for those who use a keyboard or a screen reader.
document.addEventListener("DOMContentLoaded", () => {
  for (const caption of document.querySelectorAll(".caption[role=heading]")) {
    caption.setAttribute("aria-level", "2");
  }
  document.querySelector("aside.sidebar-drawer")?.setAttribute("aria-label", "All pages");
  document.querySelector("aside.toc-drawer")?.setAttribute("aria-label", "On this page");
  for (const wide of document.querySelectorAll("article pre, article .table-wrapper, article table")) {
    if (wide.scrollWidth > wide.clientWidth || wide.matches("pre")) {
      wide.tabIndex = 0;
    }
  }
  // a column without a heading has none
  for (const heading of document.querySelectorAll("article th")) {
    if (!heading.textContent.trim()) {
      const cell = document.createElement("td");
      cell.className = heading.className;
      heading.replaceWith(cell);
    }
  }
});
