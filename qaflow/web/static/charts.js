// Draws each chart of the page from its description, in the colours of the page's theme, and again when that changes.
// Expressions are interpreted, never compiled, and what stands beside the pointer is text, never markup.
const drawn = new Map();
const dark = () => document.documentElement.getAttribute('data-bs-theme') === 'dark';

function tip(place) {
  const box = place.parentElement.querySelector('[data-q-tip]');
  return (handler, event, item, value) => {
    box.hidden = value === null || value === undefined || value === '';
    if (box.hidden) return;
    const parts = typeof value === 'object' ? Object.entries(value).map(pair => pair.join(': ')) : [String(value)];
    box.replaceChildren(...parts.map(text => Object.assign(document.createElement('span'), { textContent: text })));
    const frame = place.parentElement.getBoundingClientRect();
    const left = Math.min(event.clientX - frame.left + 12, frame.width - box.offsetWidth - 4);
    box.style.left = Math.max(0, left) + 'px';
    box.style.top = event.clientY - frame.top + 16 + 'px';
  };
}

async function draw(place) {
  const themes = JSON.parse(place.dataset.themes);
  const before = drawn.get(place);
  drawn.delete(place);
  if (before) before.finalize();
  const made = await window.vegaEmbed(place, JSON.parse(place.dataset.spec), {
    mode: 'vega-lite', logLevel: 1, renderer: 'svg', ast: true, actions: false, defaultStyle: false, tooltip: tip(place),
    config: { ...(dark() ? themes.dark : themes.light), background: null },
    loader: { load: refuse, sanitize: refuse, http: refuse, file: refuse },
  });
  drawn.set(place, made);
  place.querySelector('svg').setAttribute('aria-hidden', 'true'); // the figure has its name and its table
}

function refuse() {
  return Promise.reject(new Error('a chart holds its figures: it fetches nothing'));
}

function all() {
  document.querySelectorAll('[data-spec]').forEach(place => draw(place));
}

all();
new MutationObserver(all).observe(document.documentElement, { attributes: true, attributeFilter: ['data-bs-theme'] });
