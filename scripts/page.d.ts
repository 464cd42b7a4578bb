import type { Plugin as EsbuildPlugin } from 'esbuild';
import type { Plugin as VitePlugin } from 'vite';

export declare function esbuildPage(found?: (packages: Set<string>) => void): EsbuildPlugin;
export declare const vitePage: VitePlugin;
