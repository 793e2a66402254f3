/** No prebuilt QUIC binding for this platform: nothing can work, and one line says so. */
export class UnsupportedPlatformError extends Error {
  override readonly name = 'UnsupportedPlatformError';
  constructor(platform: string, arch: string, cause: unknown) {
    super(
      `no QUIC binding for ${platform}-${arch}: prebuilt ones exist for linux-x64 (glibc 2.34 or newer), darwin-x64, ` +
        `darwin-arm64 and win32-x64; install without --omit=optional on one of these`,
      { cause },
    );
  }
}

/** The UDP socket could not be opened or bound. `code` is the system's, such as EADDRINUSE. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  constructor(
    readonly code: string,
    readonly address: string,
    message: string,
  ) {
    super(message);
  }
}
