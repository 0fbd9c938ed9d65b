import { App } from './app.ts';

await new App(location.origin).start();
