import { createReadStream } from 'node:fs'

/** Resolves when the process is asked to stop: by a signal, or by the end of the launcher that started it. */
export function stopRequest(): Promise<string> {
  return new Promise(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.on(signal, () => resolve(signal))
    }
    const pipe = Number(process.env.STOWER_LAUNCHER_PIPE)
    if (!Number.isInteger(pipe) || pipe < 3) return
    createReadStream('', { fd: pipe })
      .on('end', () => resolve('launcher ended'))
      .on('error', () => resolve('launcher ended'))
      .resume()
  })
}
