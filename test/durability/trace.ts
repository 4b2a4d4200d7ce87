/** One system call of a traced process. Times are line numbers of the trace. */
export type SystemCall = {
  thread: number
  name: string
  /** As strace writes them; `-y` puts the path of a descriptor behind it. */
  arguments: string
  /** What it returned; empty when it never did. */
  result: string
  begunAt: number
  /** Infinity when it never ended. */
  endedAt: number
}

/** Reads the output of `strace -f -y -o <file>`. Calls that other threads interrupted are put together again. */
export function parseTrace(text: string): SystemCall[] {
  const calls: SystemCall[] = []
  const unfinished = new Map<string, SystemCall>()
  for (const [at, line] of text.split('\n').entries()) {
    const [, thread, rest] = /^(\d+) +(.*)$/.exec(line) ?? []
    if (thread === undefined || rest === undefined) continue
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(rest)
    if (resumed) {
      const call = unfinished.get(thread)
      if (call && call.name === resumed[1]) finish(call, resumed[2] ?? '', at)
      unfinished.delete(thread)
      continue
    }
    const [, name, tail] = /^(\w+)\((.*)$/.exec(rest) ?? []
    if (name === undefined || tail === undefined) continue
    const call: SystemCall = {
      thread: Number(thread),
      name,
      arguments: '',
      result: '',
      begunAt: at,
      endedAt: Number.POSITIVE_INFINITY,
    }
    calls.push(call)
    const interrupted = /^(.*?),? ?<unfinished \.\.\.>$/.exec(tail)
    if (interrupted) {
      call.arguments = interrupted[1] ?? ''
      unfinished.set(thread, call)
    } else {
      finish(call, tail, at)
    }
  }
  return calls
}

/** The path of the descriptor that a call begins with; undefined where that is none. */
export function pathOf(call: SystemCall): string | undefined {
  return /^\d+<([^>]*)>/.exec(call.arguments)?.[1]
}

/** The strings in quotes among a call's arguments. */
export function stringsOf(call: SystemCall): string[] {
  return [...call.arguments.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(match => match[1] ?? '')
}

function finish(call: SystemCall, tail: string, at: number): void {
  const [, rest = '', result = ''] = /^(.*)\) += (.*)$/.exec(tail) ?? []
  call.arguments += rest
  call.result = result
  call.endedAt = at
}
