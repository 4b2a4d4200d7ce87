/**
 * Who is asking, as `identity` proved it and before anyone asked what they may do. Rights are never part of a caller:
 * they are read anew with every request (`core/access`). Epochs travel with the caller so that the same read can tell
 * whether the proof still counts.
 */
export type Caller = AnonymousCaller | UserCaller

export type AnonymousCaller = {
  kind: 'anonymous'
  /** Scopes of an anonymous docker token; undefined where the protocol has none. */
  scopes?: readonly GrantedScope[]
}

export type UserCaller = {
  kind: 'user'
  userId: string
  userName: string
  accountId: string
  accountName: string
  /** The user's credential epoch when the proof was made; a password change or disabling moves it on. */
  userEpoch: number
  /** Set when the proof was made with an access key. */
  accessKey?: KeyOfCaller
  /** When the proof ends, where that is known to be soon: nothing made with it may last longer. */
  expiresMs?: number
  /** The project that the proof is scoped to, where it is. */
  projectId?: string
  /** What a docker token may be used for at most; undefined for proofs that are not limited to scopes. */
  scopes?: readonly GrantedScope[]
}

/** `epoch` is that of the access key, or of the one behind a temporary key (0 where there is none). */
export type KeyOfCaller = {
  id: string
  epoch: number
  /** Of a temporary key: the access key that it was made with, or null; undefined for an access key itself. */
  parentId?: string | null
}

/**
 * Whoever runs `stower` commands on the data folder itself. They own every byte of it, so nobody asks what they may do;
 * on the wire there is no such caller.
 */
export type OperatorCaller = { kind: 'operator'; name: string }

/**
 * A standing order that somebody left, which the registry carries out by itself: nobody is asked for rights, only whether
 * anything may be changed now. On the wire there is no such caller.
 */
export type PolicyCaller = { kind: 'policy'; name: string }

/** One entry of a docker token's `access` claim. */
export type GrantedScope = { type: string; name: string; actions: readonly string[] }

/** Where a request came from; goes into events and logs. */
export type Origin = { requestId: string; sourceAddress: string }

export const anonymous: AnonymousCaller = { kind: 'anonymous' }

/** Who asks and where from: what every command of core is given first. */
export type Requester<C extends Actor = Caller> = { caller: C; origin: Origin }

/** Everyone who can be behind an event. */
export type Actor = Caller | OperatorCaller | PolicyCaller
