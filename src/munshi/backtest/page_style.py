"""How a report looks: light and dark, wide and narrow, on paper; without any image or font."""

STYLE = """
:root { color-scheme: light dark; --ink: #1b2130; --soft: #596076; --paper: #fff; --card: #f5f6f9;
  --faint: #dfe2ea; --good: #0b7a3c; --bad: #b3261e; --line: #1f4fa3; --warn: #8a4b00;
  --alarm: #fff6e5; --buy: #1f4fa3; --sell: #8a1c7c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaf1; --soft: #a3abc0; --paper: #12151d;
  --card: #1b1f2a; --faint: #323848; --good: #5cd08f; --bad: #ff8a80; --line: #8ab4ff;
  --warn: #ffc46b; --alarm: #2a2215; --buy: #8ab4ff; --sell: #f0a6e6; } }
* { box-sizing: border-box; }
body { font: 15px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 66rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; text-wrap: balance; }
h2 { font-size: 1.05rem; margin: 2.5rem 0 .6rem; } p { margin: .3rem 0; }
.about { color: var(--soft); margin: .3rem 0 1.5rem; }
.first { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 1rem; }
.first section { background: var(--card); border-radius: .6rem; padding: .9rem 1.1rem; }
.first .warnings { background: var(--alarm); border-left: 4px solid var(--warn); }
.first h2 { margin: 0 0 .4rem; } ul { margin: 0; padding-left: 1.1rem; } li { margin: .25rem 0; }
.cards { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: .75rem;
  margin: 1.25rem 0 0; }
.cards div { background: var(--card); border-radius: .6rem; padding: .7rem .9rem; }
.cards dt { color: var(--soft); font-size: .8rem; }
.cards dd { margin: 0; font-size: 1.3rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.cards dd small { display: block; font-size: .78rem; font-weight: 400; color: var(--soft); }
.checks { margin: 0; } .checks > div { display: grid; gap: 0 1rem; padding: .45rem 0;
  grid-template-columns: minmax(0, 18rem) minmax(0, 1fr);
  border-top: 1px solid var(--faint); }
.checks dt { font-weight: 600; display: flex; } .checks dd { margin: 0; color: var(--soft); }
.checks em { flex: 0 0 2.6rem; font-style: normal; color: var(--good); }
.checks .done em { color: var(--bad); }
.chart { margin: 0; display: grid; grid-template-columns: auto minmax(0, 1fr); gap: .5rem .6rem; }
.chart svg { width: 100%; height: 15rem; display: block; overflow: visible; }
.scale, .days { display: flex; justify-content: space-between; font-size: .75rem;
  line-height: 1rem; color: var(--soft); font-variant-numeric: tabular-nums; }
.scale { flex-direction: column; text-align: right; margin: -.5rem 0; } .days { grid-column: 2; }
svg * { vector-effect: non-scaling-stroke; }
.grid { stroke: var(--faint); stroke-width: 1; fill: none; }
polyline { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
polygon { stroke: none; opacity: .13; }
.equity { stroke: var(--line); } polygon.equity { fill: var(--line); }
.drawdown { stroke: var(--bad); } polygon.drawdown { fill: var(--bad); }
polyline.equity, polyline.drawdown { fill: none; }
polygon.equity, polygon.drawdown { stroke: none; }
.up { fill: var(--good); stroke: var(--good); } .down { fill: var(--bad); stroke: var(--bad); }
path.buy, path.sell, path.entry, path.exit { fill: none; stroke-width: 7; }
path.buy, path.entry { stroke: var(--buy); stroke-linecap: round; }
path.sell, path.exit { stroke: var(--sell); stroke-linecap: square; }
.legend { color: var(--soft); font-size: .8rem; } .legend i { display: inline-block;
  width: .6rem; height: .6rem; margin: 0 .3rem 0 .9rem; background: var(--sell); }
.legend i.round { background: var(--buy); border-radius: 50%; margin-left: 0; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .87rem;
  font-variant-numeric: tabular-nums; }
th { color: var(--soft); font-weight: 600; }
th, td { border-bottom: 1px solid var(--faint); padding: .3rem .9rem .3rem 0; text-align: right;
  white-space: nowrap; } th:first-child, td:first-child { text-align: left; }
.facts td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
.facts td:first-child { white-space: nowrap; color: var(--soft); vertical-align: top; }
.months td { padding: .3rem .55rem; border: 2px solid var(--paper); border-radius: .3rem; }
.months th { padding: .3rem .55rem; border: 0; }
.loss { color: var(--bad); } .gain { color: var(--good); }
.m1 { background: color-mix(in srgb, var(--good) 12%, var(--paper)); }
.m2 { background: color-mix(in srgb, var(--good) 24%, var(--paper)); }
.m3 { background: color-mix(in srgb, var(--good) 38%, var(--paper)); }
.n1 { background: color-mix(in srgb, var(--bad) 12%, var(--paper)); }
.n2 { background: color-mix(in srgb, var(--bad) 24%, var(--paper)); }
.n3 { background: color-mix(in srgb, var(--bad) 38%, var(--paper)); }
@media (max-width: 40rem) { body { padding: 1.25rem 1rem 3rem; } h1 { font-size: 1.3rem; }
  .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); } .chart svg { height: 11rem; }
  .days span:nth-child(even) { display: none; }
  .checks > div { grid-template-columns: minmax(0, 1fr); } .checks dd { margin-left: 2.6rem; } }
@media print { body { max-width: none; } h2 { break-after: avoid; } .chart { break-inside: avoid; }
  .scroll { overflow: visible; } }
"""
