/**
 * What an upload is allowed to be: nothing, bytes that end at the offset told, or over. Pure, so that a request that ran
 * beside another can be tried in either order.
 */
export type UploadState = { kind: 'open'; content: Buffer } | { kind: 'over' }

export type UploadRequest =
  | { kind: 'patch'; bytes: Buffer; first?: number }
  | { kind: 'put'; bytes: Buffer; first?: number; claimed: Buffer }
  | { kind: 'status' }
  | { kind: 'cancel' }

/** `offset` is what the answer has to tell, `published` what has to be readable from now on. */
export type Outcome = { status: number; offset?: number; state: UploadState; published?: Buffer }

/** The one right answer to a request that has the upload for itself. */
export function answerTo(state: UploadState, request: UploadRequest): Outcome {
  if (state.kind === 'over') return { status: 404, state }
  const { content } = state
  switch (request.kind) {
    case 'status':
      return { status: 204, offset: content.length, state }
    case 'cancel':
      return { status: 204, state: { kind: 'over' } }
    case 'patch': {
      if (isElsewhere(request, content)) return { status: 416, offset: content.length, state }
      const longer = Buffer.concat([content, request.bytes])
      return { status: 202, offset: longer.length, state: { kind: 'open', content: longer } }
    }
    case 'put': {
      if (isElsewhere(request, content)) return { status: 416, offset: content.length, state }
      const whole = Buffer.concat([content, request.bytes])
      if (!whole.equals(request.claimed)) return { status: 400, state: { kind: 'over' } }
      return { status: 201, state: { kind: 'over' }, published: whole }
    }
  }
}

/**
 * All that may come of two requests at once: either is first, and the other may find the upload taken. Who only asks where
 * it stands may also be told that all has come while it is being published.
 */
export function answersTo(state: UploadState, requests: readonly [UploadRequest, UploadRequest]) {
  const orders = [
    [0, 1],
    [1, 0],
  ] as const
  return orders.flatMap(([first, second]) => {
    const one = answerTo(state, requests[first])
    const other = answerTo(one.state, requests[second])
    const busy: Outcome = { status: 409, state: one.state }
    const whole: Outcome[] = one.published ? [{ status: 204, offset: one.published.length, state: one.state }] : []
    return [other, ...(requests[second].kind === 'status' ? whole : [busy])].map(two => ({
      outcomes: first === 0 ? ([one, two] as const) : ([two, one] as const),
      state: two.state,
    }))
  })
}

function isElsewhere({ first }: { first?: number }, content: Buffer): boolean {
  return first !== undefined && first !== content.length
}
