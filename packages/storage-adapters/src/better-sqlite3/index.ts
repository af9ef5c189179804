export { betterSqlite3 } from './better-sqlite3.ts';
export { betterSqlite3Driver } from './better-sqlite3-driver.ts';
