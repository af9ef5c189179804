export { type SqlDriverHarness, sqlDriverConformance } from './sql-driver.ts';
