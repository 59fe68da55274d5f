/// The style sheet of `report.html`: light and dark, no reference to anything outside.
enum PageStyle {
    static let css = """
        \(colours)
        \(plot)
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--ground); color: var(--ink);
          font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
        main { max-width: 1080px; margin: 0 auto; padding: 24px 20px 64px; }
        h1 { font-size: 26px; margin: 8px 0 4px; } h2 { font-size: 19px; margin: 36px 0 8px; }
        p, li { max-width: 76ch; } code, pre { font: 13px/1.45 ui-monospace, Menlo, Consolas, monospace; }
        pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 10px 12px;
          white-space: pre-wrap; overflow-wrap: anywhere; } pre code { padding: 0; }
        .verdict { border-left: 6px solid var(--warn); background: var(--panel); padding: 14px 18px;
          border-radius: 6px; box-shadow: 0 0 0 1px var(--line); }
        .verdict.pass { border-color: var(--good); } .verdict.violation, .verdict.invalid,
        .verdict.failed { border-color: var(--bad); } .verdict p { margin: 4px 0 0; }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px;
          margin: 16px 0; } .tiles div { background: var(--panel); border: 1px solid var(--line);
          border-radius: 6px; padding: 10px 12px; } .tiles b { display: block; font-size: 20px; }
        .tiles span { color: var(--soft); font-size: 13px; }
        .wide { overflow-x: auto; margin: 8px 0; } table { border-collapse: collapse; font-size: 13.5px;
          font-variant-numeric: tabular-nums; min-width: 60%; }
        th, td { padding: 5px 10px; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
        th:first-child, td:first-child { text-align: left; } th { color: var(--soft); font-weight: 600; }
        .id { white-space: nowrap; }
        tbody tr:hover { background: var(--panel); } td strong { font-weight: 700; }
        figure { margin: 22px 0; background: var(--panel); border: 1px solid var(--line); border-radius: 8px;
          padding: 14px 16px; } figcaption { margin-bottom: 8px; color: var(--soft); font-size: 14px; }
        figcaption strong { color: var(--ink); display: block; font-size: 15px; }
        .legend { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 13px; margin-bottom: 6px; }
        .legend span { display: inline-flex; align-items: center; gap: 5px; }
        .key { width: 14px; height: 14px; fill: currentColor; }
        figure > svg { width: 100%; height: auto; display: block; font: 12px system-ui, sans-serif; }
        .grid2 { display: grid; grid-template-columns: repeat(auto-fit, minmax(430px, 1fr)); gap: 0 16px; }
        @media (max-width: 520px) { .grid2 { grid-template-columns: 1fr; } }
        @media print { figure, .verdict { break-inside: avoid; } }
        """

    static let colours = """
        :root { color-scheme: light dark; --ground: #fbfbf9; --ink: #1d2126; --soft: #5b6570; --line: #dcdfe3;
          --panel: #ffffff; --good: #1a7f4b; --bad: #b3261e; --warn: #8a6100; }
        @media (prefers-color-scheme: dark) { :root { --ground: #14171b; --ink: #e6e8ea; --soft: #9aa4af;
          --line: #2c333b; --panel: #1b2026; --good: #5fce94; --bad: #ff8a80; --warn: #e6b84c; } }
        """

    /// The parts of a plot.
    static let plot = """
        svg text { fill: var(--soft); } svg .name { fill: var(--ink); } svg .note { font-size: 11px; }
        svg .grid { stroke: var(--line); } svg .axis { stroke: var(--soft); }
        svg .limit { stroke: var(--bad); stroke-dasharray: 2 3; } svg .band { fill: var(--soft); opacity: 0.16; }
        svg polyline { fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linejoin: round; }
        svg polyline.dashed { stroke-dasharray: 5 4; opacity: 0.85; }
        svg g[color] circle, svg g[color] path { fill: currentColor; }
        """
}
