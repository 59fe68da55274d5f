/// What the pages of the fault lab have beside ``PageStyle``: the colours of verdicts.
enum FaultStyle {
    static let css = """
        :root { --safe-ground: #e2f2e8; --safe-ink: #10542f; --broken-ground: #fae1df; --broken-ink: #8a1a13;
          --wrong-ground: #a81f18; --wrong-ink: #ffffff; --open-ground: #fbecc2; --open-ink: #5f4300; }
        @media (prefers-color-scheme: dark) { :root { --safe-ground: #0f2e1d; --safe-ink: #8fe3b4;
          --broken-ground: #3c1512; --broken-ink: #ffb4ab; --wrong-ground: #ff8a80; --wrong-ink: #2b0400;
          --open-ground: #35290a; --open-ink: #f2cf74; } }
        nav a { display: inline-block; padding: 2px 0; }
        .matrix table { border-collapse: separate; border-spacing: 2px; font-size: 12.5px; min-width: 0; }
        .matrix th, .matrix td { padding: 0; border: 0; text-align: center; vertical-align: middle; }
        .matrix thead th { padding: 2px 4px; font-size: 11.5px; } .matrix thead th:first-child { text-align: left; } .matrix thead td { background: none; }
        .matrix tbody th { text-align: left; padding: 0 8px 0 2px; }
        .matrix tr > :first-child { position: sticky; left: 0; background: var(--ground); z-index: 1; }
        .matrix td a, .matrix td span.cell { display: block; min-height: 26px; min-width: 62px; padding: 3px 5px;
          border-radius: 4px; text-decoration: none; line-height: 20px; }
        .matrix td a:hover, .matrix td a:focus { outline: 2px solid var(--link); outline-offset: 0; }
        .matrix small { display: block; font-size: 11px; line-height: 14px; font-weight: 400; }
        .matrix .none { color: var(--soft); }
        .safe { background: var(--safe-ground); color: var(--safe-ink); }
        .broken { background: var(--broken-ground); color: var(--broken-ink); font-weight: 700; }
        .wrong { background: var(--wrong-ground); color: var(--wrong-ink); font-weight: 700; }
        .open { background: var(--open-ground); color: var(--open-ink); font-weight: 700;
          border: 1px dashed currentColor; }
        .word { padding: 1px 7px; border-radius: 4px; white-space: nowrap; }
        .legend .word { display: inline-block; } dl.legend { display: block; max-width: 90ch; }
        dl.legend div { display: flex; gap: 8px; margin: 3px 0; } dl.legend dt { flex: 0 0 104px; }
        dl.legend dd { margin: 0; } .wide:focus { outline: 2px solid var(--link); outline-offset: 1px; }
        .verdict ul { margin: 6px 0 0; padding-left: 20px; }
        svg .lane { stroke: var(--line); } svg .strong { fill: var(--ink); font-weight: 700; }
        @media (max-width: 520px) { .matrix tbody th { white-space: normal; min-width: 92px; padding-right: 4px;
            line-height: 15px; overflow-wrap: break-word; } }
        """
}
