/** The declaration that msgpackr ships for this entry cannot be resolved by Node's rules for modules. */
declare module 'msgpackr/pack' {
  export { addExtension, Packr, RESERVE_START_SPACE, RESET_BUFFER_MODE, Unpackr } from 'msgpackr';
}
