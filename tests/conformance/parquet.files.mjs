// Writes Parquet files with writers of others into a folder: node parquet.files.mjs FOLDER
import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import * as arrow from 'apache-arrow'
import { parquetWriteBuffer } from 'hyparquet-writer'
import * as wasm from 'parquet-wasm/node'

const folder = process.argv[2]
const rows = 3000
const range = make => Array.from({ length: rows }, (_, i) => make(i))
const save = (name, bytes) => writeFileSync(`${folder}/${name}.parquet`, new Uint8Array(bytes))

// hyparquet-writer: each type in each encoding that it has, small pages, missing values.
const types = {
  i32: { type: 'INT32', data: range(i => (i % 11 === 0 ? null : i * 7919 - 1000)), encodings: ['PLAIN', 'RLE_DICTIONARY', 'DELTA_BINARY_PACKED'] },
  i64: { type: 'INT64', data: range(i => BigInt(i) * 1000000007n - 5n), encodings: ['PLAIN', 'DELTA_BINARY_PACKED'] },
  f32: { type: 'FLOAT', data: range(i => Math.fround(i / 3)), encodings: ['PLAIN', 'BYTE_STREAM_SPLIT'] },
  f64: { type: 'DOUBLE', data: range(i => (i % 10 === 0 ? -Infinity : i / 7)), encodings: ['PLAIN', 'BYTE_STREAM_SPLIT', 'RLE_DICTIONARY'] },
  flag: { type: 'BOOLEAN', data: range(i => (i % 13 === 0 ? null : i % 5 < 2)), encodings: ['PLAIN', 'RLE'] },
  text: { type: 'STRING', data: range(i => (i % 7 === 0 ? null : `text ${i % 97} 文😀`)), encodings: ['PLAIN', 'RLE_DICTIONARY', 'DELTA_LENGTH_BYTE_ARRAY', 'DELTA_BYTE_ARRAY'] },
  raw: { type: 'BYTE_ARRAY', data: range(i => new Uint8Array([i % 256, 255, 0])), encodings: ['PLAIN', 'DELTA_LENGTH_BYTE_ARRAY'] },
  at: { type: 'TIMESTAMP', data: range(i => new Date(1700000000000 + i * 86399123)), encodings: ['PLAIN'] },
  uid: { type: 'UUID', data: range(i => `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`), encodings: ['PLAIN'] },
  half: { type: 'FLOAT16', data: range(i => (i % 512) / 4), encodings: ['PLAIN'] },
  json: { type: 'JSON', data: range(i => ({ a: i, b: [null, 'x'] })), encodings: ['PLAIN'] },
}
for (const codec of ['UNCOMPRESSED', 'SNAPPY', 'GZIP']) {
  const columnData = Object.entries(types).flatMap(([name, { type, data, encodings }]) =>
    encodings.map(encoding => ({ name: `${name}_${encoding.toLowerCase()}`, type, data, encoding, nullable: true })))
  save(`hyparquet-${codec.toLowerCase()}`, parquetWriteBuffer({
    columnData, codec, pageSize: 1024, rowGroupSize: 1100, compressors: { GZIP: bytes => gzipSync(bytes) },
  }))
}
save('hyparquet-variant', parquetWriteBuffer({
  codec: 'UNCOMPRESSED',
  columnData: [
    { name: 'id', type: 'INT32', data: range(i => i) },
    { name: 'any', type: 'VARIANT', data: range(i => [i, `text ${i}`, null, { a: i, b: [true, 'x'] }, i / 4][i % 5]) },
    { name: 'other', type: 'STRING', data: range(i => `o${i}`) },
  ],
}))

// parquet-wasm, the Rust implementation: Arrow types, nesting, codecs, page versions.
const list = new arrow.List(new arrow.Field('item', new arrow.Int32(), true))
const struct = new arrow.Struct([new arrow.Field('a', new arrow.Int32(), true), new arrow.Field('b', new arrow.Utf8(), true)])
const table = new arrow.Table({
  i8: arrow.vectorFromArray(range(i => (i % 9 === 0 ? null : i % 100)), new arrow.Int8()),
  u16: arrow.vectorFromArray(range(i => i), new arrow.Uint16()),
  i64: arrow.vectorFromArray(range(i => BigInt(i) * 9007199254n), new arrow.Int64()),
  u64: arrow.vectorFromArray(range(i => 18446744073709551615n - BigInt(i)), new arrow.Uint64()),
  f32: arrow.vectorFromArray(range(i => i / 3), new arrow.Float32()),
  f64: arrow.vectorFromArray(range(i => (i % 5 === 0 ? NaN : i * 1e10)), new arrow.Float64()),
  flag: arrow.vectorFromArray(range(i => i % 3 === 0), new arrow.Bool()),
  text: arrow.vectorFromArray(range(i => (i % 8 === 0 ? null : `文 ${i % 50}`)), new arrow.Utf8()),
  dictionary: arrow.vectorFromArray(range(i => `word ${i % 20}`), new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32())),
  day: arrow.vectorFromArray(range(i => new Date(i * 86400000 * 3)), new arrow.DateDay()),
  ms: arrow.vectorFromArray(range(i => i * 86399123), new arrow.TimestampMillisecond()),
  utc: arrow.vectorFromArray(range(i => i * 86399123), new arrow.TimestampMillisecond('UTC')),
  list: arrow.vectorFromArray(range(i => (i % 6 === 0 ? null : [i, null, i + 1].slice(0, i % 4))), list),
  struct: arrow.vectorFromArray(range(i => ({ a: i, b: i % 4 === 0 ? null : `b${i}` })), struct),
})
for (const codec of ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'BROTLI', 'ZSTD', 'LZ4_RAW']) {
  for (const version of ['V1', 'V2']) {
    const properties = new wasm.WriterPropertiesBuilder()
      .setCompression(wasm.Compression[codec]).setWriterVersion(wasm.WriterVersion[version]).setDataPageSizeLimit(1024).setWriteBatchSize(64).setMaxRowGroupSize(1100).build()
    save(`wasm-${codec.toLowerCase()}-${version.toLowerCase()}`, wasm.writeParquet(wasm.Table.fromIPCStream(arrow.tableToIPC(table, 'stream')), properties))
  }
}
