// The package has declarations, but its `exports` hide them. Its API is that of better-sqlite3.
declare module 'better-sqlite3-multiple-ciphers' {
  export { default } from 'better-sqlite3';
}
