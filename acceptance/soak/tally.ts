/** What was asked and answered, and everything that nobody can explain. */
export class Tally {
  readonly #counts = new Map<string, number>()
  readonly unexplained: string[] = []
  exchanges = 0

  /** `explanations`: answers that are neither 2xx nor a fault, each with its reason. */
  answered(operation: string, status: number, explanations: Readonly<Record<number, string>> = {}): void {
    this.exchanges++
    const isGood = status >= 200 && status < 300
    const reason = explanations[status]
    this.#count(`${operation}\t${status}${isGood || reason === undefined ? '' : ` ${reason}`}`)
    if (!isGood && (reason === undefined || status >= 500)) this.fault(`${operation} was answered ${status}`)
  }

  cut(operation: string, where: string): void {
    this.#count(`${operation}\tcut by the client in the ${where}`)
  }

  fault(what: string): void {
    if (this.unexplained.length < 50) this.unexplained.push(what)
  }

  /** Every operation with its outcomes, one line each. */
  lines(): string[] {
    return [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, count]) => `${key}\t${count}`)
  }

  #count(key: string): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }
}
