/** Everything of the executable lies in a file system of its own. */
export const isExecutable = import.meta.url.includes('/$bunfs/')

/** What a person types to reach this program from where it was started. */
export const programName = isExecutable ? 'stower' : 'npm run stower --'
