/** The declaration that msgpackr ships for this entry cannot be resolved by Node's rules for modules. */
declare module 'msgpackr/pack' {
  export { addExtension, Packr, RESET_BUFFER_MODE, Unpackr } from 'msgpackr';
}
