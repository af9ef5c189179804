export { encryptedSqlite3 } from './encrypted-sqlite3.ts';
export { encryptedSqlite3Driver } from './encrypted-sqlite3-driver.ts';
