// Syntax that wasm-bindgen cannot call.

// `import(url)` of an absolute URL: a promise for the module.
export const importModule = (url) => import(url);
