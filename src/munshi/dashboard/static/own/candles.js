// Candles in #candles: longer bars when much is shown, shorter ones when a person looks closely.
"use strict";

{
  const box = document.getElementById("candles"), said = document.getElementById("candles-said");
  const IST = 19800, DAY = 86400, PAUSE = 400, CLOSE = 4;
  const MARKS = {
    buy: { position: "belowBar", shape: "arrowUp", colour: "--good" },
    sell: { position: "aboveBar", shape: "arrowDown", colour: "--bad" },
    signal: { position: "aboveBar", shape: "circle", colour: "--warn" },
  };
  const colourOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  // The chart knows UTC alone: times are moved, so that it shows those of IST.
  const shown = (second) => second + IST;
  const dayOf = (moved) => new Date(moved * 1000).toISOString().slice(0, 10);

  const chart = LightweightCharts.createChart(box, {
    autoSize: true,
    layout: { attributionLogo: false },
    timeScale: { timeVisible: true, secondsVisible: false },
    localization: { locale: "en-IN" },
  });
  const candles = chart.addSeries(LightweightCharts.CandlestickSeries, {});
  const volume = chart.addSeries(LightweightCharts.HistogramSeries, {
    priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false,
  });
  chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.85, bottom: 0 } });
  const marks = LightweightCharts.createSeriesMarkers(candles, []);
  let loaded = null, asking = false, waiting = null, latest = [];

  function paint() {
    const ink = colourOf("--pico-color"), line = colourOf("--pico-muted-border-color");
    chart.applyOptions({
      layout: { background: { color: "transparent" }, textColor: ink },
      grid: { vertLines: { color: line }, horzLines: { color: line } },
    });
    const up = colourOf("--good"), down = colourOf("--bad");
    candles.applyOptions({
      upColor: up, wickUpColor: up, borderUpColor: up, downColor: down, wickDownColor: down, borderDownColor: down,
    });
    volume.applyOptions({ color: colourOf("--calm") });
    marks.setMarkers(latest.map((each) => {
      const { colour, ...kind } = MARKS[each.kind];
      return { time: shown(each.time), text: each.text, color: colourOf(colour), ...kind };
    }));
  }

  function fill(answer, kept) {
    loaded = answer;
    latest = answer.marks;
    candles.setData(answer.bars.map(([at, open, high, low, close]) =>
      open === undefined ? { time: shown(at) } : { time: shown(at), open, high, low, close }));
    volume.setData(answer.bars.map((bar) =>
      bar.length === 1 ? { time: shown(bar[0]) } : { time: shown(bar[0]), value: bar[5] }));
    paint();
    if (kept) chart.timeScale().setVisibleRange(kept);
    else chart.timeScale().fitContent();
    const gaps = answer.bars.filter((bar) => bar.length === 1).length;
    said.textContent = `${answer.bars.length - gaps} bars of ${answer.interval}, ${answer.from} to ${answer.to}`
      + (gaps ? `, ${gaps} missing` : "") + (answer.trouble ? `. Signals: ${answer.trouble}` : "");
    box.dataset.drawn = answer.interval;
  }

  async function load(first, last, kept) {
    const url = new URL(box.dataset.source, location.href);
    if (first) url.searchParams.set("from", first);
    if (last) url.searchParams.set("to", last);
    asking = true;
    try {
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(`Munshi answered ${answer.status}`);
      fill(await answer.json(), kept);
    } catch (error) {
      said.textContent = `The candles could not be loaded: ${error.message}.`;
    } finally {
      setTimeout(() => { asking = false; }, PAUSE);
    }
  }

  // Beyond the first bar more is loaded; what looks closely at long bars gets shorter ones.
  function follow(range) {
    const visible = chart.timeScale().getVisibleRange();
    if (!loaded || !range || !visible || asking) return;
    if (range.from < -1 && loaded.from > loaded.heldFrom) {
      const width = (Date.parse(loaded.to) - Date.parse(loaded.from)) / 1000 + DAY;
      const wider = dayOf(Date.parse(loaded.from) / 1000 - width);
      load(wider < loaded.heldFrom ? loaded.heldFrom : wider, loaded.to, visible);
    } else if (!loaded.isStored && range.to - range.from < loaded.bars.length / CLOSE) {
      load(dayOf(visible.from), dayOf(visible.to), visible);
    }
  }

  chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => follow(range), PAUSE);
  });
  new MutationObserver(paint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  load();
}
