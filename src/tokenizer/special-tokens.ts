import { SPECIAL_TOKEN_ROLES, type SpecialTokenRole } from './tokenizer-config.js'

/** The special tokens of a tokenizer: those with a role, and others. */
export class SpecialTokens {
  readonly #named: Readonly<Partial<Record<SpecialTokenRole, string | null>>>
  readonly #extra: Set<string>

  constructor(named: Readonly<Partial<Record<SpecialTokenRole, string | null>>>, extra: readonly string[] = []) {
    this.#named = named
    this.#extra = new Set(extra)
  }

  /** The token of a role, if there is one. */
  get(role: SpecialTokenRole): string | undefined {
    return this.#named[role] ?? undefined
  }

  /** Whether a token has a role. */
  hasRole(token: string): boolean {
    return Object.values(this.#named).includes(token)
  }

  /** Whether a token is one of them. */
  has(token: string): boolean {
    return this.#extra.has(token) || this.hasRole(token)
  }

  /** Those without a role. */
  get extra(): readonly string[] {
    return [...this.#extra]
  }

  /** All of them once, in transformers' order. */
  get all(): readonly string[] {
    const named = SPECIAL_TOKEN_ROLES.map((role) => this.get(role)).filter((token) => token !== undefined)
    return [...new Set([...named, ...this.#extra])]
  }

  /** Counts a token among the special ones from now on. */
  add(token: string): void {
    if (!this.has(token)) this.#extra.add(token)
  }
}
