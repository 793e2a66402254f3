/** The server sends the package uplot at this path. */
export { default } from 'uplot';
