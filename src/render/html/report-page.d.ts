/** The page's own program and looks, as text; made by `scripts/page.js`. */
declare module 'virtual:report-page' {
  export const script: string;
  export const style: string;
}
