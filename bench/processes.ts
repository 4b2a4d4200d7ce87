import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/*
 * What the kernel knows about processes (proc(5)). Linux only.
 */

/** Ticks of /proc/<pid>/stat: USER_HZ is 100 on every Linux. */
const ticksPerSecond = 100

/** The process and all that descend from it. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const pid of readdirSync('/proc').map(Number).filter(Number.isInteger)) {
    const parent = Number(statFields(pid)?.[1])
    if (Number.isInteger(parent)) children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const tree = [root]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

/** User and system time of these processes so far, their threads included. */
export function cpuSeconds(pids: readonly number[]): number {
  const ticks = pids.map(pid => {
    const fields = statFields(pid) ?? []
    return Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
  })
  return sum(ticks) / ticksPerSecond
}

/** Resident memory now (`VmRSS`) or its peak (`VmHWM`) of one process. */
export function memoryBytes(pid: number, kind: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`^${kind}:\\s*(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) * 1024
}

/** Sets the peak of resident memory to what it is now. */
export function resetPeakMemory(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

/** Those behind the name, which may hold spaces: the state, the parent, …; undefined when the process is gone. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}
