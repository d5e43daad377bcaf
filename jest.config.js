import process from 'node:process'

// `npm test` says once which backend runs; every test file saying it again would bury the results.
process.env.SIGLIP_QUIET ??= '1'
// TensorFlow's oneDNN kernel of batched products writes out of bounds for some shapes: what is compared with must be right.
process.env.TF_ENABLE_ONEDNN_OPTS ??= '0'

/** @type {import('jest').Config} */
export default {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
  moduleNameMapper: {
    '^#open-folder$': '<rootDir>/src/hub/open-folder-node.ts',
    '^#decode$': '<rootDir>/src/image/decode/decode-node.ts',
    '^#image-preparer$': '<rootDir>/src/image/processors/image-preparer-node.ts',
    '^#save-folder$': '<rootDir>/src/io/save-folder.ts',
    '^#engine-file$': '<rootDir>/src/backend/engine/engine-file-node.ts',
    '^#jit$': '<rootDir>/src/jit/jit-node.ts',
    '^#backend$': '<rootDir>/src/backend/backend-node.ts',
    '^siglip-tfjs$': '<rootDir>/src/index.ts',
    '^siglip-tfjs/(image|jit|tokenizer|training)$': '<rootDir>/src/entries/$1.ts',
    '^siglip-tfjs/node$': '<rootDir>/src/node.ts',
    '^siglip-tfjs/safetensors$': '<rootDir>/converters/formats/safetensors.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  testTimeout: 180_000,
  maxWorkers: 2,
}
