import about from "../package.json" with { type: "json" };

/** The program's version; runs keep it, for the engine has no other. */
export const VERSION: string = about.version;
