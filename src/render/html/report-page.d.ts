/** The page's own script and style sheet, as text; made by `scripts/page.js`. */
declare module 'virtual:report-page' {
  export const script: string;
  export const style: string;
}
