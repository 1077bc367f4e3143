"""How the page looks, in light and in dark, on a desk and on a phone."""

STYLE = """
:root {
  --paper: #f6f5f1; --panel: #fffefb; --ink: #1e1f22; --soft: #5d6168;
  --line: #d9d6cd; --faint: #e9e6de; --accent: #c2410c; --blue: #1f5fae;
  --grey: #6a6f78; --paper-mark: #6b4fa3; --good: #1d6b3a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #141518; --panel: #1d1f23; --ink: #ecebe7; --soft: #a2a6ad;
    --line: #363940; --faint: #2a2d32; --accent: #ff9a6b; --blue: #84b8ff;
    --grey: #9aa0a9; --paper-mark: #bfa7f0; --good: #7fd69d;
  }
}
*, *::before, *::after { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 72rem; padding: 1.5rem 1.25rem 4rem;
  background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif;
}
h1, h2, h3, p, dl, dd, figure { margin: 0; }
h1 { font-size: 2rem; line-height: 1.15; letter-spacing: -0.015em;
  overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; letter-spacing: -0.005em; margin-bottom: 0.9rem; }
h3 { font-size: 0.85rem; margin-bottom: 0.35rem; color: var(--soft);
  font-weight: 600; }
section { margin-top: 3rem; }
img { display: block; max-width: 100%; image-rendering: pixelated;
  border-radius: 3px; }
figcaption, .note, caption { color: var(--soft); font-size: 0.87rem; }
.note + .note, .scroll + .note { margin-top: 0.5rem; }
.note { max-width: 46rem; }
aside { margin-top: 1.75rem; padding: 0.7rem 1rem; font-size: 0.9rem;
  background: var(--panel); border: 1px solid var(--line);
  border-left: 3px solid var(--accent); border-radius: 4px; }
aside ul { margin: 0; padding-left: 1.1rem; }

/* The head. */
header { display: grid; grid-template-columns: minmax(0, 1fr) 21rem; gap: 2.5rem;
  padding-bottom: 2rem; border-bottom: 1px solid var(--line); }
header > :only-child { grid-column: 1 / -1; }
.facts { display: flex; flex-direction: column; }
.kind { color: var(--soft); margin-bottom: 0.2rem; overflow-wrap: anywhere; }
.status { margin-top: 0.8rem; }
.chip { display: inline-block; padding: 0 0.55rem; margin-right: 0.3rem;
  border: 1px solid currentColor; border-radius: 1rem; font-size: 0.82rem;
  font-weight: 600; color: var(--accent); }
.chip.done { color: var(--good); }
.progress { height: 6px; margin-top: 0.8rem; border-radius: 3px;
  background: var(--faint); overflow: hidden; }
.progress i { display: block; height: 100%; background: var(--accent); }
.figures { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr));
  gap: 1.3rem 2rem; margin-top: auto; padding-top: 1.9rem; }
.figures dt { font-size: 0.87rem; color: var(--soft); }
.figures .value { font-size: 1.65rem; line-height: 1.25; font-weight: 600;
  letter-spacing: -0.01em; font-variant-numeric: tabular-nums; }
.figures .remark { font-size: 0.82rem; color: var(--soft); min-height: 1.3em; }
.newest img { width: 100%; }
.newest figcaption { margin-top: 0.5rem; }

/* Curves. */
.curves { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr));
  gap: 1rem; margin-bottom: 1.5rem; }
.curves figure { background: var(--panel); border: 1px solid var(--line);
  border-radius: 6px; padding: 0.8rem 0.8rem 0.6rem; }
.curves .wide { grid-column: 1 / -1; }
.curves figcaption { color: var(--ink); font-weight: 600; font-size: 0.95rem; }
.curves .note { font-size: 0.8rem; }
svg { display: block; width: 100%; height: auto; }
svg svg { width: auto; }
.for-narrow { display: none; }
text { font: 12px system-ui, sans-serif; fill: var(--ink);
  font-variant-numeric: tabular-nums; }
.tick, .unit { fill: var(--soft); }
.unit { font-size: 11px; }
.end { text-anchor: end; }
.middle { text-anchor: middle; }
.grid { stroke: var(--faint); }
.axis { stroke: var(--line); }
.level { stroke: var(--paper-mark); stroke-dasharray: 2 4; stroke-width: 1.5; }
.marked { --c: var(--paper-mark); }
.name { font-weight: 600; fill: var(--c); }
.train { --c: var(--grey); }
.validation, .only { --c: var(--accent); }
.ema { --c: var(--blue); }
.line { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; }
.range { fill: var(--c); opacity: 0.16; }
.leader { stroke: var(--c); opacity: 0.5; }
circle { fill: var(--c); }
.hovers rect { fill: transparent; }
.hovers circle, .pointer { opacity: 0; pointer-events: none; }
.pointer { stroke: var(--soft); stroke-dasharray: 2 3; }
.hovers g:hover circle, .hovers g:hover .pointer { opacity: 1; }
.hovers circle { stroke: var(--panel); stroke-width: 1.5; }

/* Pictures. */
.strip { display: grid; gap: 1.1rem 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(15rem, 45%), 1fr)); }
.strip img { width: 100%; }
.strip figcaption { margin-top: 0.35rem; font-variant-numeric: tabular-nums; }
.note + .scroll { margin-top: 1rem; }
.note + .strip { margin-top: 0.8rem; }
.completions { display: grid; grid-template-columns: auto minmax(12rem, 20rem);
  gap: 1.5rem; align-items: end; justify-content: start; }
.completions img { max-height: 28rem; }
.completions + .strip, .completions + .note { margin-top: 1.5rem; }

/* Tables and lists. */
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.93rem; }
caption { text-align: left; padding-bottom: 0.5rem; }
th, td { padding: 0.34rem 1.2rem 0.34rem 0; text-align: left; font-weight: 400;
  border-bottom: 1px solid var(--faint); vertical-align: baseline; }
thead th { color: var(--soft); font-size: 0.82rem; border-color: var(--line); }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.likelihoods td:nth-child(2) { color: var(--soft); }
.likelihoods .bar { width: 34%; padding-right: 0; }
.bar i { display: block; height: 0.6rem; min-width: 2px; border-radius: 0 3px 3px 0;
  background: var(--grey); opacity: 0.55; }
.own th, .own .number { font-weight: 650; color: var(--accent); }
.own .bar i { background: var(--accent); opacity: 1; }
.paper .bar i { background: var(--paper-mark); }
.lists { columns: 22rem; column-gap: 3rem; }
.lists h3 { margin-top: 1.3rem; break-after: avoid; }
.lists > :first-child h3 { margin-top: 0; }
.pairs dt, .pairs dd { break-inside: avoid; }
.pairs { display: grid; grid-template-columns: minmax(9rem, auto) minmax(0, 1fr);
  font-size: 0.9rem; }
.pairs dt, .pairs dd { padding: 0.22rem 1rem 0.22rem 0;
  border-bottom: 1px solid var(--faint); overflow-wrap: anywhere; }
.pairs dt { color: var(--soft); }
.pairs dd { font-family: ui-monospace, monospace; font-size: 0.94em;
  white-space: pre-wrap; }

@media (max-width: 50rem) {
  body { padding: 1.1rem 0.9rem 3rem; }
  header { grid-template-columns: minmax(0, 1fr); gap: 1.5rem; }
  h1 { font-size: 1.6rem; }
  section { margin-top: 2.2rem; }
  .figures { gap: 1rem 1.2rem; }
  .figures .value { font-size: 1.4rem; }
  .curves { grid-template-columns: minmax(0, 1fr); }
  .curves figure { padding: 0.7rem 0.5rem 0.5rem; }
  .for-wide { display: none; }
  .for-narrow { display: block; }
  .completions { grid-template-columns: minmax(0, 1fr); gap: 0.6rem; }
  .likelihoods .bar { display: none; }
  th, td { padding-right: 0.8rem; }
}
@media print {
  section, figure { break-inside: avoid; }
}
"""
