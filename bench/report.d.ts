/** Names of the pages that show figures. */
export declare const pages: readonly string[];
/** The page with the figures as they are kept in bench/results. */
export declare function withFigures(text: string): Promise<string>;
