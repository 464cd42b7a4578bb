/** The page with the figures as they are kept in bench/results. */
export declare function withFigures(text: string): Promise<string>;
