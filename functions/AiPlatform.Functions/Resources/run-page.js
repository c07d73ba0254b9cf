// Shows what the links of MLflow's clients name: /#/experiments/{id}/runs/{run}, /#/experiments/{id} and /#/experiments. Everything that comes from
// users becomes text, never markup.
(() => {
  const texts = JSON.parse(document.getElementById('texts').textContent);
  const main = document.querySelector('main');
  const start = [...main.children];
  const base = location.pathname.replace(/\/$/, '');
  const kept = 'aiplatform.token';

  const make = (tag, content, ...children) => {
    const element = document.createElement(tag);
    if (content !== undefined) element.textContent = content;
    element.append(...children);
    return element;
  };
  const link = (text, hash) => Object.assign(make('a', text), { href: hash, className: 'inline' });

  async function call(path, body) {
    const headers = { Authorization: `Bearer ${sessionStorage.getItem(kept) ?? ''}`, 'X-Requested-With': 'XMLHttpRequest' };
    const options = body ? { method: 'POST', body: JSON.stringify(body), headers: { ...headers, 'Content-Type': 'application/json' } } : { headers };
    const answer = await fetch(base + path, options);
    if (!answer.ok) throw Object.assign(new Error((await answer.json()).message), { status: answer.status });
    return answer;
  }
  const api = async (path, body) => (await call(`/api/2.0/mlflow/${path}`, body)).json();

  function table(title, names, rows) {
    if (!rows?.length) return '';
    const cells = (tag, row) => make('tr', undefined, ...row.map(cell => cell instanceof Node ? make(tag, undefined, cell) : make(tag, String(cell ?? ''))));
    return make('section', undefined, make('h2', title), make('table', undefined, cells('th', names), ...rows.map(row => cells('td', row))));
  }
  const up = () => make('p', undefined, link(texts.experiments, '#/experiments'));
  const status = word => texts.statuses[word] ?? word;
  const time = ms => ms ? new Date(Number(ms)).toLocaleString(document.documentElement.lang) : '';

  async function download(run, path) {
    const content = await (await call(`/get-artifact?run_id=${encodeURIComponent(run)}&path=${encodeURIComponent(path)}`)).blob();
    const anchor = Object.assign(document.createElement('a'), { href: URL.createObjectURL(content), download: path.split('/').pop() });
    anchor.click();
    URL.revokeObjectURL(anchor.href);
  }

  async function files(run, path) {
    const found = (await api(`artifacts/list?run_id=${encodeURIComponent(run)}&path=${encodeURIComponent(path)}`)).files ?? [];
    return make('ul', undefined, ...found.map(file => {
      const button = make('button', file.path.split('/').pop() + (file.is_dir ? '/' : ''));
      const item = make('li', undefined, button, file.is_dir ? '' : ` ${file.file_size ?? 0} B`);
      button.onclick = async () => {
        button.disabled = file.is_dir;
        if (file.is_dir) item.append(await files(run, file.path)); else await download(run, file.path);
      };
      return item;
    }));
  }

  async function showRun(id) {
    const { info, data } = (await api(`runs/get?run_id=${encodeURIComponent(id)}`)).run;
    const pairs = list => list?.map(entry => [entry.key, entry.value]);
    const metrics = data.metrics?.map(metric => [metric.key, metric.value, metric.step]) ?? [];
    const isMachine = ([key]) => key.startsWith('system/');
    main.replaceChildren(
      up(),
      make('h1', info.run_name || info.run_id),
      table(texts.run, [texts.key, texts.value], [
        [texts.id, info.run_id], [texts.experiment, link(info.experiment_id, `#/experiments/${info.experiment_id}`)],
        [texts.status, status(info.status)], [texts.user, info.user_id], [texts.started, time(info.start_time)], [texts.ended, time(info.end_time)]]),
      table(texts.metrics, [texts.key, texts.value, texts.step], metrics.filter(metric => !isMachine(metric))),
      table(texts.params, [texts.key, texts.value], pairs(data.params)),
      table(texts.tags, [texts.key, texts.value], pairs(data.tags)),
      make('h2', texts.artifacts), await files(id, '').catch(error => make('p', error.message)),
      // Their steps are seconds of the clock: a time is what a reader knows.
      table(texts.machine, [texts.key, texts.value, texts.measured],
        (data.metrics ?? []).filter(metric => isMachine([metric.key])).map(metric => [metric.key, metric.value, time(metric.timestamp)])));
  }

  async function showExperiment(id) {
    const { experiment } = await api(`experiments/get?experiment_id=${encodeURIComponent(id)}`);
    const { runs } = await api('runs/search', { experiment_ids: [id], max_results: 200 });
    main.replaceChildren(
      up(),
      make('h1', experiment.name),
      table(texts.runs, [texts.run, texts.status, texts.user, texts.started],
        (runs ?? []).map(({ info }) => [link(info.run_name || info.run_id, `#/experiments/${id}/runs/${info.run_id}`), status(info.status), info.user_id, time(info.start_time)])));
  }

  async function showExperiments() {
    const { experiments } = await api('experiments/search', { max_results: 200, order_by: ['last_update_time DESC'] });
    main.replaceChildren(
      make('p', undefined, link(texts.start, '#/')),
      make('h1', texts.experiments),
      table('', [texts.experiment, texts.updated], (experiments ?? []).map(found => [link(found.name, `#/experiments/${found.experiment_id}`), time(found.last_update_time)])));
  }

  function logIn(message) {
    const [name, password] = ['text', 'password'].map(type => Object.assign(document.createElement('input'), { type, required: true }));
    const form = make('form', undefined, make('label', texts.name, name), make('label', texts.password, password), make('button', texts.logIn), make('p', message));
    form.onsubmit = async event => {
      event.preventDefault();
      const answer = await fetch('/v1/auth/login', {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ userName: name.value, password: password.value }) });
      const body = await answer.json();
      if (!answer.ok) return logIn(body.detail ?? body.title);
      sessionStorage.setItem(kept, body.accessToken);
      show();
    };
    main.replaceChildren(form);
  }

  const notFound = () => main.replaceChildren(up(), make('h1', texts.notFound), make('p', location.hash.slice(1)));

  async function show() {
    const [all, experiment, run] = /^#\/experiments(?:\/([^/?]+))?(?:\/runs\/([^/?]+))?/.exec(location.hash) ?? [];
    if (!all && /^(#\/?)?$/.test(location.hash)) return main.replaceChildren(...start);
    if (!all) return notFound();
    try {
      await (run ? showRun(decodeURIComponent(run)) : experiment ? showExperiment(decodeURIComponent(experiment)) : showExperiments());
    } catch (error) {
      if (error.status === 401) logIn('');
      else if (error.status === 404) notFound();
      else main.replaceChildren(up(), make('p', error.message));
    }
  }

  addEventListener('hashchange', show);
  show();
})();
