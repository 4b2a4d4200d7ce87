import { Database as Connection } from 'bun:sqlite'

// Run as `slow-reader.ts <file>`: says how many settings it sees, and once more when its input ends, in one transaction.
const connection = new Connection(process.argv[2] ?? '', { readonly: true })
connection.exec('BEGIN')
const say = () => {
  const row = connection.query('SELECT count(*) AS count FROM settings').get() as { count: number }
  process.stdout.write(`${row.count}\n`)
}
say()
for await (const _chunk of Bun.stdin.stream());
say()
connection.close()
