import uPlot from './uplot.js';
import { element, setText } from './dom.js';
import { duration, rate } from './format.js';

/** @import { Rates } from './rates.js' */

const HEIGHT = 170;
/** Colours by scheme: each stands out from the card at 3:1 and more. */
const LIGHT = { text: '#566467', grid: '#e6ebed', main: '#0f766e', second: '#1d5fc4', bad: '#b42318' };
const DARK = { text: '#9fb0b3', grid: '#233034', main: '#5eead4', second: '#8ebcff', bad: '#ff9a8f' };

/** Throughput and latency of the last minutes as lines, and in one sentence for those who do not see them. */
export class Charts {
  #throughput = new Chart('throughput', rate, [
    ['submitted', 'second'],
    ['completed', 'main'],
    ['failed', 'bad'],
  ]);
  #latency = new Chart('latency', duration, [
    ['p99', 'second'],
    ['p50', 'main'],
    ['p99 until started', 'bad'],
  ]);

  /**
   * @param {Rates} rates
   * @param {number} now
   */
  draw(rates, now) {
    const { times, submitted, completed, failed, p99, p50, wait } = rates.series(now);
    this.#throughput.draw([times, submitted, completed, failed]);
    this.#latency.draw([times, p99, p50, wait]);
    const peak = Math.max(...completed);
    this.#throughput.say(
      `${rate(completed.at(-1) ?? 0)} completed a second now, ${rate(peak)} at most in 3 minutes`,
    );
    const [last99, last50] = [p99, p50].map((values) => values.findLast((value) => value !== null) ?? null);
    if (last50 !== null)
      this.#latency.say(`submit to result: p50 ${duration(last50 ?? null)}, p99 ${duration(last99 ?? null)}`);
  }
}

class Chart {
  /** @type {uPlot | null} */
  #plot = null;
  /** @type {uPlot.AlignedData} */
  #data = [[], [], [], []];
  #dark = matchMedia('(prefers-color-scheme: dark)');

  /**
   * @param {string} id
   * @param {(value: number) => string} format
   * @param {readonly (readonly [string, 'main' | 'second' | 'bad'])[]} series
   */
  constructor(id, format, series) {
    this.host = document.getElementById(id) ?? element('div');
    this.text = document.getElementById(`${id}-text`) ?? element('p');
    this.format = format;
    this.series = series;
    this.#dark.addEventListener('change', () => this.#make());
    new ResizeObserver(() => this.#fit()).observe(this.host);
    this.#make();
  }

  /** @param {uPlot.AlignedData} data */
  draw(data) {
    this.#data = data;
    const plot = this.#plot;
    if (plot === null) return;
    plot.setData(data);
    // the legend tells what is under the pointer, and without one the latest
    if (typeof plot.cursor.idx !== 'number') plot.setLegend({ idx: data[0].length - 1 }, false);
  }

  /** @param {string} text */
  say(text) {
    setText(this.text, text);
  }

  #fit() {
    const width = this.host.clientWidth;
    if (width > 0) this.#plot?.setSize({ width, height: HEIGHT });
  }

  #make() {
    this.#plot?.destroy();
    const colours = this.#dark.matches ? DARK : LIGHT;
    const axis = {
      stroke: colours.text,
      grid: { stroke: colours.grid, width: 1 },
      ticks: { show: false },
      font: '11px system-ui',
    };
    this.#plot = new uPlot(
      {
        width: Math.max(200, this.host.clientWidth),
        height: HEIGHT,
        cursor: { y: false, drag: { x: false, y: false } },
        scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, (max ?? 1) * 1.15)] } },
        axes: [
          {
            ...axis,
            space: 90,
            values: (_plot, ticks) => ticks.map((tick) => new Date(tick * 1000).toLocaleTimeString()),
          },
          {
            ...axis,
            size: 64,
            values: (_plot, ticks) => ticks.map((tick) => (tick === 0 ? '0' : this.format(tick))),
          },
        ],
        series: [
          { value: (_plot, at) => (at === null ? '–' : new Date(at * 1000).toLocaleTimeString()) },
          ...this.series.map(([label, colour]) => ({
            label,
            stroke: colours[colour],
            width: 1.75,
            spanGaps: true,
            points: { show: false },
            ...(colour === 'main' ? { fill: `${colours.main}1f` } : {}),
            value: (/** @type {uPlot} */ _plot, /** @type {number | null} */ value) =>
              value === null ? '–' : this.format(value),
          })),
        ],
      },
      this.#data,
      this.host,
    );
  }
}
