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
        .place { color: var(--soft); margin: 0 0 12px; } .answer p { font-size: 17px; }
        .verdict > strong { text-transform: uppercase; font-size: 13px; letter-spacing: 0.06em; }
        nav ul { display: flex; flex-wrap: wrap; gap: 2px 18px; padding: 0; margin: 8px 0 0; list-style: none; font-size: 14px; }
        nav a { display: inline-block; line-height: 24px; }
        a { color: var(--link); } .permalink { color: var(--soft); font-weight: 400; text-decoration: none; }
        .permalink:hover, .permalink:focus { text-decoration: underline; }
        summary { cursor: pointer; max-width: 76ch; } dl { font-size: 13.5px; max-width: 76ch; }
        dt { font-weight: 600; } dd { margin: 0 0 4px 16px; color: var(--soft); } .terms { margin-top: 6px; font-size: 14px; }
        th button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer;
          text-align: inherit; min-height: 24px; } th button:hover { text-decoration: underline; }
        th[aria-sort=descending] button::after { content: " \\25BE"; } th[aria-sort=ascending] button::after { content: " \\25B4"; }
        .wide { overflow-x: auto; margin: 8px 0; } table { border-collapse: collapse; font-size: 13.5px;
          font-variant-numeric: tabular-nums; min-width: 60%; }
        th, td { padding: 5px 10px; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
        th:first-child, td:first-child { text-align: left; } thead th { color: var(--soft); font-weight: 600; }
        tbody th { font-weight: 400; }
        .id, td { white-space: nowrap; } td.text { white-space: normal; min-width: 18ch; text-align: left; }
        tbody tr:hover { background: var(--panel); } td strong { font-weight: 700; }
        figure { container-type: inline-size; margin: 22px 0; background: var(--panel); border: 1px solid var(--line); border-radius: 8px;
          padding: 14px 16px; } figcaption { margin-bottom: 8px; color: var(--soft); font-size: 14px; }
        figcaption strong { color: var(--ink); display: block; font-size: 15px; }
        .legend { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 13px; margin-bottom: 6px; }
        .legend span { display: inline-flex; align-items: center; gap: 5px; }
        .key { width: 14px; height: 14px; fill: currentColor; }
        figure > div > svg { width: 100%; height: auto; display: block; font: 12px system-ui, sans-serif; }
        .slim { display: none; max-width: 460px; }
        @container (max-width: 700px) { .broad { display: none; } .slim { display: block; } }
        .grid2 { display: grid; grid-template-columns: repeat(auto-fit, minmax(400px, 1fr)); gap: 0 16px; }
        @media (max-width: 520px) { .grid2 { grid-template-columns: 1fr; } }
        @media (max-width: 520px) { main { padding: 12px 10px 40px; } figure { padding: 10px 8px; } h1 { font-size: 21px; } }
        @media print {
          :root { --ground: #ffffff; --ink: #000000; --soft: #4a535d; --line: #c8ccd1; --panel: #ffffff; }
          body { font-size: 10.5px; } main { max-width: none; padding: 0; } nav, .permalink, .screen, .terms, summary::marker { display: none; }
          table { font-size: 8.5px; min-width: 0; } th, td { padding: 1.5px 4px; } .wide { overflow: visible; }
          figure { margin: 8px 0; padding: 6px 8px; width: 100%; } figure > div > svg { max-height: 300px; }
          h1 { font-size: 18px; } h2 { font-size: 14px; margin: 14px 0 4px; break-after: avoid; }
          .answer p { font-size: 12px; } figure, .verdict, tr { break-inside: avoid; } }
        """

    static let colours = """
        :root { color-scheme: light dark; --ground: #fbfbf9; --ink: #1d2126; --soft: #5b6570; --line: #dcdfe3;
          --panel: #ffffff; --good: #1a7f4b; --bad: #b3261e; --warn: #8a6100; --link: #0b57a4; }
        @media (prefers-color-scheme: dark) { :root { --ground: #0a0c0f; --ink: #e6e8ea; --soft: #9aa4af;
          --line: #2c333b; --panel: #0f1216; --good: #5fce94; --bad: #ff8a80; --warn: #e6b84c; --link: #8ab8ff; } }
        """

    /// The parts of a plot.
    static let plot = """
        svg text { fill: var(--soft); } svg .name { fill: var(--ink); } svg .note { font-size: 11px; }
        svg .good { fill: var(--good); } svg .bad { fill: var(--bad); font-weight: 700; }
        svg .whisker { stroke: var(--ink); stroke-width: 1.4; fill: none; }
        svg .grid { stroke: var(--line); } svg .axis { stroke: var(--soft); }
        svg .limit { stroke: var(--bad); stroke-dasharray: 2 3; } svg .band { fill: var(--soft); opacity: 0.16; }
        svg .band.fault { fill: var(--bad); opacity: 0.2; }
        svg polyline { fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linejoin: round; }
        svg polyline.dashed { stroke-dasharray: 5 4; opacity: 0.85; }
        svg g[color] circle, svg g[color] path:not(.whisker) { fill: currentColor; }
        """
}
