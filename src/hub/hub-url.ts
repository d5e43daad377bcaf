/** The Hugging Face Hub. Its library has the address too, but brings Node's modules along into a page's bundle. */
export const HUB_URL = 'https://huggingface.co'
