import type { CheckpointPace, FromCheckpointer, ToCheckpointer } from './checkpointer.ts'
import type { Writer } from './writer.ts'

/** This thread's side of the worker in `checkpointer.ts`: pauses the writer for it, and outlives its death. */
export class Checkpoints implements AsyncDisposable {
  readonly #worker: Worker
  /** Resolves when the worker is gone or has let go of the file, whatever the reason. */
  readonly #closed: Promise<void>
  #isClosing = false

  constructor(
    worker: Worker,
    options: {
      file: string
      pace: CheckpointPace | undefined
      writer: Pick<Writer, 'exclusively'>
      onFailure: (message: string) => void
    },
  ) {
    this.#worker = worker
    const closed = Promise.withResolvers<void>()
    this.#closed = closed.promise
    let isClosed = false
    let resume = () => {}
    const end = () => {
      isClosed = true
      resume()
      closed.resolve()
    }
    worker.addEventListener('message', ({ data }: MessageEvent<FromCheckpointer>) => {
      switch (data.kind) {
        case 'pause':
          void options.writer.exclusively(async () => {
            if (isClosed) return
            await new Promise<void>(resolve => {
              resume = resolve
              this.#tell({ kind: 'paused' })
            })
          })
          return
        case 'resume':
          return resume()
        case 'failed':
          return options.onFailure(data.message)
        case 'closed':
          return end()
      }
    })
    worker.addEventListener('error', ({ message }) => {
      this.#isClosing = true
      options.onFailure(message)
      // Nothing of it may go on beside a writer that no longer waits for it.
      worker.terminate()
      end()
    })
    worker.addEventListener('close', () => {
      if (!this.#isClosing) options.onFailure('the thread that moves the log has ended; restart stower')
      end()
    })
    worker.unref()
    this.#tell({ kind: 'open', file: options.file, pace: options.pace })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true
    this.#tell({ kind: 'close' })
    await this.#closed
    this.#worker.terminate()
  }

  #tell(message: ToCheckpointer): void {
    this.#worker.postMessage(message)
  }
}
