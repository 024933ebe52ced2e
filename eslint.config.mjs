// Lint rules: type-aware and strict; the limits on size and complexity are the design.
import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import importX from 'eslint-plugin-import-x';
import n from 'eslint-plugin-n';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

const sizeLimits = {
  'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
  'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
  'max-params': ['error', 5],
  'max-depth': ['error', 3],
  complexity: ['error', 12],
};

const importRules = {
  'import-x/no-default-export': 'error',
  'import-x/no-duplicates': 'error',
  'import-x/order': [
    'error',
    {
      groups: ['builtin', 'external', 'parent', 'sibling', 'index'],
      'newlines-between': 'always',
      alphabetize: { order: 'asc', caseInsensitive: true },
    },
  ],
};

export default defineConfig(
  { ignores: ['node_modules/', 'objs/', 'coverage/', 'native/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { 'import-x': importX, n },
    rules: {
      ...sizeLimits,
      ...importRules,
      'no-console': 'error',
      eqeqeq: 'error',
      'n/no-process-exit': 'error',
      'n/prefer-node-protocol': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    // One bundle serves every CPU, and the oldest line of Node that it meets is 18.
    files: ['src/**/*.ts'],
    rules: {
      'n/no-unsupported-features/node-builtins': ['error', { version: '>=18.20.0' }],
    },
  },
  {
    // The program has one exit, at the end of main.
    files: ['src/main.ts'],
    rules: { 'n/no-process-exit': 'off' },
  },
  {
    // describe() blocks are long by nature; a test's own body still has the limits on depth and complexity.
    files: ['test/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      // A fake stands in for a class by its shape.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [{ from: 'package', name: ['it', 'describe'], package: 'mocha' }],
        },
      ],
    },
  },
  {
    // Programs that a person runs by hand talk on the console and end with a status.
    files: ['bench/**/*.ts', 'toolchain/**/*.ts'],
    rules: { 'no-console': 'off', 'n/no-process-exit': 'off' },
  },
  {
    files: ['**/*.cjs', '**/*.mjs'],
    languageOptions: {
      globals: {
        module: 'writable',
        require: 'readonly',
        process: 'readonly',
        console: 'readonly',
        __dirname: 'readonly',
        Buffer: 'readonly',
      },
    },
    rules: sizeLimits,
  },
  prettier,
);
