import type { DomainError } from '../core/errors.ts'
import type { ExchangeLog } from './exchange.ts'

/** Has the access line say which rules core looked at before it refused; who is refused is told none of it. */
export function noteRefusal(log: ExchangeLog, { detail: { looked } }: DomainError): void {
  if (Array.isArray(looked)) log.looked = looked
}
