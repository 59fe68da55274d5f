/// Sorts a table by the column whose head is pressed. Without it the page shows all the same.
enum PageScript {
    static let text = """
        for (const table of document.querySelectorAll("table")) {
          const body = table.tBodies[0];
          if (!body || body.rows.length < 3) continue;
          [...table.tHead.rows[0].cells].forEach((cell, column) => {
            if (cell.tagName !== "TH") return;
            const button = document.createElement("button");
            button.type = "button";
            button.append(...cell.childNodes);
            cell.append(button);
            button.addEventListener("click", () => {
              const isDown = cell.getAttribute("aria-sort") !== "descending";
              for (const other of cell.parentNode.cells) other.removeAttribute("aria-sort");
              cell.setAttribute("aria-sort", isDown ? "descending" : "ascending");
              const value = (row) => {
                const words = row.cells[column].textContent.trim();
                const number = parseFloat(words.replace(/[>,]/g, ""));
                return Number.isNaN(number) ? words : number;
              };
              const compare = (one, other) =>
                typeof one === typeof other
                  ? typeof one === "number" ? one - other : one.localeCompare(other)
                  : typeof one === "number" ? 1 : -1;
              const rows = [...body.rows].sort((one, other) => compare(value(one), value(other)));
              body.append(...(isDown ? rows.reverse() : rows));
            });
          });
        }
        const unfold = () => {
          const place = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
          if (!place) return;
          const fold = place.closest("details") ?? place.nextElementSibling;
          if (fold && fold.tagName === "DETAILS") fold.open = true;
        };
        addEventListener("hashchange", unfold);
        unfold();
        """
}
