import { pino } from 'pino'
import { openLineWriter } from './line-writer.ts'

export type LogFields = Readonly<Record<string, unknown>>

/** Events with fields. An `error` field is written with its stack and causes. */
export type Logger = {
  info: (fields: LogFields, message: string) => void
  warn: (fields: LogFields, message: string) => void
  error: (fields: LogFields, message: string) => void
  /** Writes out what is still held in memory. */
  flush: () => Promise<void>
}

export type LoggerOptions = {
  level: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  format: 'pretty' | 'json'
  /** Standard output unless it is given; nothing when lines go to `write`. */
  descriptor?: number
  /** Takes whole lines. */
  write?: (line: string) => void
}

const standardOutput = 1

/**
 * One JSON object per line, or one short line for people on a terminal. Lines are gathered and written off the
 * request's path; `flush` is for the end of the process.
 */
export function openLogger(options: LoggerOptions): Logger {
  const destination = options.write
    ? { write: options.write, flush: async () => {} }
    : openLineWriter(options.descriptor ?? standardOutput)
  const format =
    options.format === 'pretty' ? { write: (line: string) => destination.write(pretty(line)) } : destination
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'message',
      formatters: { level: level => ({ level }) },
      serializers: { error: describeError },
    },
    format,
  )
  // The access line of every request is plain data: to write it as such takes a third of the time.
  const write = (fields: LogFields, message: string) => {
    const text = JSON.stringify(fields)
    const inside = text === '{}' ? '' : `${text.slice(1, -1)},`
    format.write(`{"level":"info","time":"${isoTime(Date.now())}",${inside}"message":${JSON.stringify(message)}}\n`)
  }
  return {
    info: (fields, message) => {
      if ('error' in fields) logger.info(fields, message)
      else if (logger.isLevelEnabled('info')) write(fields, message)
    },
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    flush: () => destination.flush(),
  }
}

let secondOfPrefix = Number.NaN
let prefix = ''

/** As `Date.toISOString` writes it; of the seconds of a busy server each is written many times. */
function isoTime(atMs: number): string {
  const second = Math.floor(atMs / 1000)
  if (second !== secondOfPrefix) {
    secondOfPrefix = second
    prefix = new Date(second * 1000).toISOString().slice(0, -'000Z'.length)
  }
  return `${prefix}${String(atMs - second * 1000).padStart(3, '0')}Z`
}

/** An error with its stack and every cause behind it, as text. */
export function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error)
  const described: Record<string, unknown> = { name: error.name, message: error.message, stack: error.stack }
  if ('code' in error) described.code = error.code
  if (error.cause !== undefined) described.cause = describeError(error.cause)
  return described
}

const colours: Record<string, string> = { debug: '\x1b[90m', info: '\x1b[32m', warn: '\x1b[33m', error: '\x1b[31m' }

function pretty(line: string): string {
  const { time, level, message, error, ...fields } = JSON.parse(line) as Record<string, unknown>
  const rest = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const stack = error && typeof error === 'object' && 'stack' in error ? `\n${String(error.stack)}` : ''
  const colour = colours[String(level)] ?? ''
  return `${String(time).slice(11, 23)} ${colour}${String(level).padEnd(5)}\x1b[0m ${String(message)} ${rest.join(' ')}${stack}\n`
}
