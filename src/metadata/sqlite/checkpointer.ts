import { openConnection } from './connection.ts'

/**
 * A worker that moves the log (`stower.db-wal`) into the database file. A checkpoint syncs both files, which may take
 * long on a busy disk, so it runs here and never on the event loop.
 *
 * The first write after a completed checkpoint starts the log anew and syncs its header. That sync must not fall to the
 * event loop either, so it is forestalled: a read transaction held here keeps the log from being restarted while the
 * bulk is copied; then the writer pauses for a moment, the rest is copied, the log truncated, and this worker itself
 * makes the first write of the new log.
 */
declare const self: Worker

/** How often the log is looked at, and the size from which on it is moved. */
export type CheckpointPace = { lookEveryMs: number; logBytes: number }

/**
 * How long the writer may stay paused for the first write of the new log. Who holds the file longer writes to the log
 * itself; only when it takes its writes back does the first one fall to the event loop after all.
 */
const firstWriteMs = 1_000

const usualPace: CheckpointPace = { lookEveryMs: 2_000, logBytes: 8 * 1024 * 1024 }

export type FromCheckpointer =
  | { kind: 'pause' }
  | { kind: 'resume' }
  | { kind: 'failed'; message: string }
  | { kind: 'closed' }
export type ToCheckpointer =
  | { kind: 'open'; file: string; pace: CheckpointPace | undefined }
  | { kind: 'paused' }
  | { kind: 'close' }

self.onmessage = ({ data }: MessageEvent<ToCheckpointer>) => {
  switch (data.kind) {
    case 'open':
      return start(data.file, data.pace ?? usualPace)
    case 'paused':
      return paused()
    case 'close':
      return close()
  }
}

let paused = () => {}
let close = () => {}

function start(file: string, pace: CheckpointPace): void {
  const work = openConnection(file, ['synchronous = FULL', 'wal_autocheckpoint = 0'])
  const hold = openConnection(file, ['busy_timeout = 10000'])
  let isWaiting = false
  const timer = setInterval(() => {
    if (isWaiting || Bun.file(`${file}-wal`).size < pace.logBytes) return
    isWaiting = true
    try {
      hold.raw.exec('BEGIN; SELECT count(*) FROM settings')
      work.raw.exec('PRAGMA wal_checkpoint(PASSIVE)')
      post({ kind: 'pause' })
    } catch (error) {
      isWaiting = false
      release()
      post({ kind: 'failed', message: String(error) })
    }
  }, pace.lookEveryMs)

  const release = () => {
    if (hold.raw.inTransaction) hold.raw.exec('ROLLBACK')
  }
  paused = () => {
    try {
      release()
      work.raw.exec(`PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = ${firstWriteMs}`)
      work.raw.exec(
        `INSERT INTO settings (key, value) VALUES ('checkpointed', '${Date.now()}')
         ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
      )
    } catch (error) {
      post({ kind: 'failed', message: String(error) })
    }
    isWaiting = false
    post({ kind: 'resume' })
  }
  close = () => {
    clearInterval(timer)
    release()
    hold.close()
    work.close()
    post({ kind: 'closed' })
  }
}

function post(message: FromCheckpointer): void {
  self.postMessage(message)
}
