import { CommandError } from '../command.ts'

/** What a client printed when it was refused, with the command line above it. */
export async function refusalOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt
  } catch (error) {
    if (error instanceof CommandError) return error.message
    throw error
  }
  throw new Error('it was not refused')
}
