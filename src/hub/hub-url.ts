/** The Hugging Face Hub. Its library has the address too, but would bring Node's modules into a browser bundle. */
export const HUB_URL = 'https://huggingface.co'
