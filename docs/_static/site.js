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
  // a figure that is shown smaller than it is opens in its own size
  for (const figure of document.querySelectorAll("article img[src*='_images/']")) {
    if (!figure.closest("a")) {
      const link = document.createElement("a");
      link.href = figure.src;
      figure.replaceWith(link);
      link.append(figure);
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
