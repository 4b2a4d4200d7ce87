import { z } from 'zod'

/** The body of an answer that says only that it was done. */
export const doneView = z.object({})

export type Done = z.infer<typeof doneView>
