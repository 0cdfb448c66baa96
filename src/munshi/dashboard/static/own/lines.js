// Lines over time in every [data-lines]; the table beneath holds the same numbers.
"use strict";

{
  const ZONE = "Asia/Kolkata", HEIGHT = 220, FEW = 60;
  // From how many seconds between ticks on: the words, and those where a year or a day begins.
  const TIMES = [
    [86400, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
    [3600, "{HH}:{mm}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
    [60, "{HH}:{mm}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
    [0.001, "{HH}:{mm}:{ss}", "\n{D} {MMM}", null, "\n{D} {MMM}", null, null, null, 1],
  ];

  function colourOf(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function told(value, unit) {
    if (value === null || value === undefined) return "-";
    if (unit === "₹") return `₹${value.toLocaleString("en-IN", { maximumFractionDigits: 2 })}`;
    return `${value.toLocaleString("en-IN", { maximumFractionDigits: 2 })}${unit ? ` ${unit}` : ""}`;
  }

  function seriesOf(line, unit) {
    const colour = colourOf(line.colour);
    return {
      label: line.name,
      stroke: colour,
      fill: line.kind === "bars" ? colour : undefined,
      width: line.kind === "bars" ? 0 : 1.5,
      paths: line.kind === "bars" ? uPlot.paths.bars({ size: [0.7, 40] }) : undefined,
      points: { show: line.values.length < FEW && line.kind !== "bars" },
      value: (_, value) => told(value, unit),
    };
  }

  function axisOf(extra) {
    return {
      stroke: colourOf("--pico-color"),
      grid: { stroke: colourOf("--pico-muted-border-color"), width: 1 },
      ticks: { stroke: colourOf("--pico-muted-border-color"), width: 1 },
      ...extra,
    };
  }

  function draw(figure) {
    const { unit, times, lines } = JSON.parse(figure.dataset.lines);
    figure.chart?.destroy();
    const values = (_, found) => found.map((each) => told(each, unit));
    figure.chart = new uPlot(
      {
        width: figure.clientWidth,
        height: HEIGHT,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), ZONE),
        series: [{ label: "IST", value: "{YYYY}-{MM}-{DD} {HH}:{mm}" }].concat(
          lines.map((line) => seriesOf(line, unit)),
        ),
        axes: [
          axisOf({ values: TIMES }),
          axisOf({ values, size: 80 }),
        ],
        scales: { y: { range: (_, low, high) => widened(low, high, lines) } },
      },
      [times, ...lines.map((line) => line.values)],
      figure,
    );
    figure.dataset.drawn = figure.clientWidth;
  }

  // Bars stand on nothing; a line that never moves is seen, too.
  function widened(low, high, lines) {
    if (low === null) return [0, 1];
    const least = lines.some((line) => line.kind === "bars") ? Math.min(0, low) : low;
    const room = (high - least) * 0.05 || Math.abs(high) * 0.05 || 1;
    return [least === 0 ? 0 : least - room, high + room];
  }

  function drawAll() {
    for (const figure of document.querySelectorAll("[data-lines]")) draw(figure);
  }

  let waiting = null;
  function drawSoon() {
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 150);
  }

  drawAll();
  addEventListener("resize", drawSoon);
  new MutationObserver(drawSoon).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawSoon);
}
