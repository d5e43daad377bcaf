import { describeTruncated, type OnTruncatedTexts } from '../tokenizer/truncated-texts.js'
import type { Session } from './session.js'

/** Reports how many texts of a run were truncated; each sentence once. */
export function truncationReporter(session: Session): OnTruncatedTexts {
  const said = new Set<string>()
  return (texts) => {
    const sentence = `${describeTruncated(texts)}.`
    if (said.has(sentence)) return
    said.add(sentence)
    session.say(sentence)
  }
}
