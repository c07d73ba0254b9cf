// Azurite's blob service with a journal. Azurite keeps its metadata in LokiJS, which is written to disk every five
// seconds: blobs that were acknowledged just before a `kill -9` would be lost. Here each change of a document is
// appended to a journal before the answer is sent; the journal is applied at the next start and dropped after each save.
'use strict';

const fs = require('node:fs');
const Loki = require('lokijs');

const saveInterval = 60_000;

/** The journal files of a database, oldest first. */
function generations(database) {
  const prefix = `${database}.journal.`;
  const slash = prefix.lastIndexOf('/');
  const folder = slash < 0 ? '.' : prefix.slice(0, slash);
  const name = prefix.slice(slash + 1);
  return fs.readdirSync(folder)
    .filter(file => file.startsWith(name))
    .map(file => Number(file.slice(name.length)))
    .sort((a, b) => a - b);
}

/** Applies one line; a line is the whole document, so applying it twice does no harm. */
function apply(collections, line) {
  const { c: name, d: document, r: removed } = JSON.parse(line);
  const documents = collections.get(name);
  if (removed !== undefined) {
    documents?.delete(removed);
  } else {
    documents?.set(document.$loki, document);
  }
}

/** Brings a database file up to date with its journals. Runs before Azurite opens the file. */
function recover(database) {
  const found = fs.existsSync(database) ? generations(database) : [];
  if (found.length === 0) {
    return;
  }
  const snapshot = JSON.parse(fs.readFileSync(database, 'utf8'));
  const collections = new Map(snapshot.collections.map(c => [c.name, new Map(c.data.map(d => [d.$loki, d]))]));
  for (const generation of found) {
    const lines = fs.readFileSync(`${database}.journal.${generation}`, 'utf8').split('\n');
    lines.pop(); // empty, or cut off by the kill: never acknowledged
    lines.forEach(line => apply(collections, line));
  }
  for (const collection of snapshot.collections) {
    collection.data = [...collections.get(collection.name).values()].sort((a, b) => a.$loki - b.$loki);
    collection.maxId = collection.data.reduce((highest, document) => Math.max(highest, document.$loki), collection.maxId ?? 0);
  }
  fs.writeFileSync(`${database}~`, JSON.stringify(snapshot));
  fs.renameSync(`${database}~`, database);
  found.forEach(generation => fs.rmSync(`${database}.journal.${generation}`));
}

/** Appends each change of the database's documents to its current journal. */
class Journal {
  constructor(loki) {
    this.database = loki.filename;
    for (const collection of loki.collections) {
      const put = documents => [documents].flat().forEach(d => this.append({ c: collection.name, d }));
      collection.on('insert', put);
      collection.on('update', put);
      collection.on('delete', d => this.append({ c: collection.name, r: d.$loki }));
    }
  }

  append(entry) {
    fs.writeSync(this.file, `${JSON.stringify(entry)}\n`);
  }

  /** Starts the next journal; the earlier ones may go once a snapshot taken now is on disk. */
  rotate() {
    if (this.file !== undefined) {
      fs.closeSync(this.file);
    }
    const generation = (generations(this.database).at(-1) ?? 0) + 1;
    this.file = fs.openSync(`${this.database}.journal.${generation}`, 'a', 0o600);
    return generation;
  }
}

const load = Loki.prototype.loadDatabase;
Loki.prototype.loadDatabase = function (options, callback) {
  recover(this.filename);
  load.call(this, options, error => {
    this.collections.forEach(collection => collection.ensureAllIndexes(true));
    callback(error);
  });
};

const enableAutosave = Loki.prototype.autosaveEnable;
Loki.prototype.autosaveEnable = function (options, callback) {
  this.autosaveInterval = saveInterval;
  enableAutosave.call(this, options, callback);
};

const journals = new WeakMap();

// The snapshot is serialised synchronously inside the save, so a journal that starts here holds what came after it.
const save = Loki.prototype.saveDatabaseInternal;
Loki.prototype.saveDatabaseInternal = function (callback) {
  if (!journals.has(this)) {
    journals.set(this, new Journal(this));
  }
  const current = journals.get(this).rotate();
  save.call(this, error => {
    if (!error) {
      generations(this.filename).filter(g => g < current).forEach(g => fs.rmSync(`${this.filename}.journal.${g}`));
    }
    callback?.(error);
  });
};

require('azurite/dist/src/blob/main.js');
